"""Built-in probes, as YAML files beside this one."""
