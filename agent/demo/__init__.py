"""The demo: a simulated factory, the agent, a receiver and the page, end to end."""
