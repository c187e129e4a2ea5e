"""Configuration: TOML to frozen settings, every fault in one go."""
