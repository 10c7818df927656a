"""The grammar of tokens (RFC 9110 §5.6.2), which configuration and wire share."""

TCHAR = r"!#$%&'*+\-.^_`|~0-9A-Za-z"
"`tchar`, as the inside of the brackets of a regular expression."
