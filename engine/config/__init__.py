"""Pipeline configs: read from TOML and checked before anything is built."""
