"""What we know of SAP Cloud Integration."""
