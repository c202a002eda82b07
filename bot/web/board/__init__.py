"""The board: pages for people, with templates and static files beside them."""
