"""Paths that some server reads as another, by trick."""

CLIMBING = {
    "plain": b"/.. /../x /a/../.. /a/../../a /./../x /..?x".split(),
    "repeated slashes": b"//.. /a//../..".split(),
    "encoded dots": b"/%2e%2e/x /.%2E/x /%252e%252e/x /.%252e/x /%25%32%65./x /%u002e%u002e/x".split(),
    "encoded slashes": b"/..%2fx /%2e%2e%2fx /..%252fx /a%2f..%2f..%2fb /a%2fb/../.. /..%u002fx".split(),
    "backslashes": rb"/..\x /..%5cx /..%255cx /a\..\..".split(),
    "parameters": (
        rb"/..;/x /..;a=b/x /..%3bx/y /%2e%2e%3b/x /;x/.. /;%2fb/.. /;%2fb/%2e%2e/x /;a\b/%2e%2e/x"
        rb" /%3b%252fb/%2e%2e/x"
    ).split(),
    "ends of strings": b"/..%00/x /..%00y/x /.%00./x /..%0d%0a/x /..%3fx/y /..%23x/y".split(),
    "white space": (
        b"/..%20/x /%20../x /..%09/x /%09..%09/x /.%09./x /..+/x /..%c2%a0/x /%e3%80%80../x /..%c2%85/x"
    ).split(),
    "invalid UTF-8": b"/..%ff/x".split(),
    "overlong UTF-8": (
        b"/a%c0%afb/%2e%2e/%2e%2e /%c0%ae%c0%ae/x /%25c0%25ae./x /..%c0%afx /..%c1%9cx /..%c1%1cx /%c0%2e./x"
        b" /%e0%80%ae%e0%80%ae/x /..%e0%80%afx /..%e0%81%9cx /%c0%a52e./x /%f0%80%80%ae./x /%f8%80%80%80%ae./x"
        b" /%fc%80%80%80%80%ae./x"
    ).split(),
}
"What leads out of a prefix in front of it, for some server."

STAYING = [
    b"",
    *(
        b"/ /a/.. /a/../b /... /a..b /..a /a/%2e%2e /%25252e%25252e /%zz /100% ?/../.. /a?x=../../.. /a/b/../.."
        b" /a%20b/c+d /caf%C3%A9/..x /caf%E9 /Order('4711;..;')/x /a;b%2fc..d/e /v1.0/x.y"
    ).split(),
]
"What does not."

_SPELLINGS = {
    "case": b"/{NAME} /{Name}".split(),
    "repeated slashes": b"//{name} ///{name}".split(),
    "dots": b"/./{name} /%2e/{name} /x/../{name} /x/%2e%2e/{name} /x//../{name} /x/y//../../{name}".split(),
    "encoded letters": b"/%{hex}{rest} /%25{hex}{rest} /%u00{hex}{rest}".split(),
    "encoded slashes": b"/%2f{name} /x%2f../{name} /x%2f..%2f{name} /x%252f..%252f{name} /{name}%2f1".split(),
    "backslashes": rb"/\{name} /%5c{name} /x\..\{name} /x%5c..%5c{name} /{name}\1 /{name}%5c1".split(),
    "parameters": (
        rb"/{name};v=1 /{name}%3bv=1 /;v=1/{name} /.;v=1/{name} /;x%2fy/{name} /;x\y/{name} /;x%2f../{name}"
        rb" /x/..;/{name} /x/..%3ba=b/{name} /x/y/..;/../{name}"
    ).split(),
    "white space": b"/{name}%20 /{name}+ /%20{name} /{name}%c2%a0 /x/..%09/{name} /x/%20../{name}".split(),
    "ends of strings": (
        b"/{name}%00 /{name}%00.xml /{name}%3fx /{name}%23x /x/..%00/{name} /{first}%00{rest} /{first}%0a{rest}"
    ).split(),
    "invalid UTF-8": b"/{first}%ff{rest}".split(),
    "overlong UTF-8": (
        b"/x/%c0%ae%c0%ae/{name} /x/%e0%80%ae./{name} /x/..%c1%9c{name} /{name}%c0%af1 /x/y/%c0%ae./../{name}"
    ).split(),
}


def spelled(path: str) -> dict[str, list[bytes]]:
    """Of a path of two or more letters after one slash, by trick."""
    name = path[1:]
    parts = {"NAME": name.upper(), "Name": name.capitalize(), "name": name, "first": name[0], "rest": name[1:]}
    parts["hex"] = f"{ord(name[0]):02x}"
    return {trick: [each.decode().format(**parts).encode() for each in forms] for trick, forms in _SPELLINGS.items()}


def flat(groups: dict[str, list[bytes]]) -> list[bytes]:
    """Of all tricks."""
    return [path for paths in groups.values() for path in paths]
