"""The built-in plugins, one a file, registered through the same entry points as anyone's."""
