"""cpi-oauth-proxy: forwards plain HTTP requests to SAP Cloud Integration with an OAuth 2.0 access token."""

__version__ = "0.1.0"
