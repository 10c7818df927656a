"""Names of request fields, by what the rules say about them."""

READ_HERE = b"Host Connection Content-Length Transfer-Encoding Expect Cookie".split()
"The proxy reads these and sets its own."

DROPPED = {
    "credentials": b"Authorization Proxy-Authorization Cookie2 MYSAPSSO2 SAP-R3AUTH".split(),
    "look-alikes of credentials": (
        b"_Authorization Authorization_ Authori-zation Authorization. *authorization* Proxy_Authorization"
        b" MYSAPSSO_2 SAP_R3AUTH _Cookie Cookie. Cookie_2"
    ).split(),
    "hop-by-hop": b"Keep-Alive Proxy-Connection Proxy-Authenticate TE Trailer Upgrade".split(),
    "look-alikes of framing": (
        b"Content_Length content-length- Content.Length Transfer.Encoding Transfer_Encoding Transfer-Encoding_"
        b" TransferEncoding Host_ Ho-st Content_Type ContentType"
    ).split(),
    "claims about the sender": (
        b"Forwarded Forwarded_ For_warded X-Forwarded-For X-Forwarded-Host X-Forwarded-Port X-Forwarded-Anything"
        b" X_Forwarded_For X-Forwarded_Host X_Forwarded-Proto XForwardedFor X.Forwarded.For X-ForwardedFor"
    ).split(),
    "SAP and Camel": (
        b"SAP_MessageProcessingLogID SAP_MessageProcessingLogLevel SAP_MPL_LogLevel_Overall sap_other SAP_"
        b" CamelHttpUri CamelHttpMethod CamelHttpResponseCode CAMELFILENAME camel Camel.Http.Path"
    ).split(),
}
"""Names that never reach the upstream, by the reason. A CGI program, for one, cannot tell a look-alike apart."""

FORWARDED = (
    b"Content-Type SOAPAction SapMessageIdEx X-My_Field SAP_ApplicationID sap_sender SAP_Receiver"
    b" SAP_MessageType X-Host Hosts My-Authorization Content-Lengths X-CSRF-Token traceparent Origin Via"
).split()
"Names that do, with their values unchanged."
