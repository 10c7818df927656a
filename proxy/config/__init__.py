"""What the operator wants: the YAML file or the environment, read once into frozen values."""
