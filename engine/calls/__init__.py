"""Calls of plugins: what is known of a plugin, what it is asked, and who answers."""
