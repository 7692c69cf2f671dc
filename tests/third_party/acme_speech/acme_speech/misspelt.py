"""A hook that does not exist."""

from stimmung.engine.plugin import hookimpl


@hookimpl
def stimmung_extracter():
    return object
