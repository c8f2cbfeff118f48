"""What the whole agent costs, from one meter to four full buses."""
