"""An exchange: route, admission, limits, the forwarded request, attempts, verdicts and the relayed response."""
