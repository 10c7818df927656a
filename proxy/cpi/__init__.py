"""What is particular to SAP Cloud Integration."""
