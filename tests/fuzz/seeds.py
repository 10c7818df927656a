"""Where fuzzing begins: messages in order, and near misses."""

HEAD = b"POST /a HTTP/1.1\r\nHost: h\r\n"

REQUESTS = (
    b"GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /a HTTP/1.0\r\n\r\n",
    b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
    b"\r\n\r\nGET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
    b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
    HEAD + b"Content-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
    HEAD + b"Content-Length: 3\r\n\r\nab",
    HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    HEAD + b"Content-Length: +3\r\n\r\nabc",
    HEAD + b"Content-Length: 3, 3\r\n\r\nabc",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: t\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    HEAD + b"Transfer_Encoding: chunked\r\nContent-Length: 1\r\n\r\na",
    HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    HEAD + b"X: a\r\n b\r\n\r\n",
    HEAD + b"X: a\x00b\r\n\r\n",
    HEAD + b"X: a\rb\r\n\r\n",
    HEAD + b"X: \xe4\xf6\xfc\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n",
    HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
    HEAD + b"Upgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
    b"GET  /a HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
)

OK = b"HTTP/1.1 200 OK\r\n"

RESPONSES = (
    OK + b"Content-Length: 2\r\n\r\nok",
    OK + b"Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nT: t\r\n\r\n",
    OK + b"\r\nuntil the end",
    OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    b"HTTP/1.1 204 \r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 403 \r\nX-CSRF-Token: Required\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 0\r\n\r\n",
    OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    OK + b"X: a\r\n b\r\n\r\n",
    OK + b"Transfer-Encoding: gzip\r\n\r\n",
    b"HTTP/2.0 200 OK\r\n\r\n",
    b"HTTP/1.1 99 Low\r\n\r\n",
    b"<html>",
)

REQUEST_HEADS = (
    *REQUESTS,
    b"GET http://u@h:80/a?b HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET https://[::1]:65535 HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET http://h:065536/ HTTP/1.1\r\nHost: h\r\n\r\n",
    b"CONNECT :h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
    b"POST /a HTTP/1.0\r\nConnection: keep-alive, close\r\nContent-Length:\t3 \r\n\r\n",
    b"FROBNICATE /a HTTP/1.1\r\nhost:\r\nConnection: X-A,keep-alive\r\nX-A: b\r\nConnection: x-b\r\n\r\n",
    HEAD + b"Proxy-Connection: close\r\nVia: 1.1 a\r\nvia:1.0 b\r\nUser-Agent: a\r\n\r\n",
    HEAD + b"Transfer-Encoding:  Chunked \r\nSAP_Sender: x\r\nX_Forwarded_For: y\r\n\r\n",
    HEAD + b"User-Agent: a\r\nUser-Agent: b\r\n\r\n",
    HEAD + b"Transfer-Encoding:\r\nContent-Length: 1\r\n\r\n",
    HEAD + b"Content-Length: 0123456789012345678\r\n\r\n",
)
RESPONSE_HEADS = (
    *RESPONSES,
    OK + b"Proxy-Connection: keep-alive, close\r\nKeep-Alive: timeout=5\r\nContent-Length: 1\r\n\r\n",
    OK + b"Content-Type: a\r\nContent-Type: b\r\nServer: c\r\nTransfer-Encoding: chunked\r\n\r\n",
    OK + b"Content-Length 1: 2\r\nContent-Length : 3\r\nX y: z\r\n\r\n",
    b"HTTP/1.0 200  OK\t\xff\r\nConnection: close\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n",
    b"HTTP/1.1 1000 x\r\n\r\n",
)
"Alone: whole heads, and what follows some."
