"""How long an incident may stay bad: estimates, their grades, and what ended incidents teach."""
