"""For authors of plugins: what is installed, and a first version of a package."""
