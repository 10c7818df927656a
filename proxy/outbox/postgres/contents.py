"""What is sent of a message, with its method: nothing of it can be read in the database."""

from dataclasses import replace

from proxy.outbox import contents
from proxy.outbox.contents import Content
from proxy.outbox.message import NewMessage
from proxy.store.keys import Keys


def seal(keys: Keys, message: NewMessage, body: bytes) -> tuple[bytes, bytes]:
    """Returns the id of the key, and what is stored."""
    target = message.method.encode("latin-1") + b" " + message.target
    content = Content(sender_id=message.sender_id, target=target, fields=message.fields, body=body)
    return contents.seal(keys, content, message.id, message.route)


def unseal(keys: Keys, key_id: bytes, value: bytes, id_: str, route: str) -> tuple[str, Content]:
    """Returns the method and the content. Raises KeyMissing or ValueForged."""
    content = contents.unseal(keys, key_id, value, id_, route)
    method, _, target = content.target.partition(b" ")
    return method.decode("latin-1"), replace(content, target=target)
