"""A stand-in tenant of SAP Cloud Integration, for trials and tests: authorization servers and runtime node."""
