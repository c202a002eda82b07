"""Parts of the running bot: scheduler, periodic jobs, onboarding of providers, database maintenance and logging."""
