"""The tables of outboxes that replicas share.

A message that is being delivered has an owner, and is free again at the end of its lease: `free_at` is when it is due,
or that end, so that one index answers what can be taken. `fence` counts how often it was taken: what an earlier owner
still says does not count. `place` is 0 for what can be taken, 1 for what stands behind another message of its order,
2 for dead letters. Partial indexes hold only what their question is about, so that no question costs more with a long
backlog. What is encrypted or random is not compressed.
"""

from typing import Final

TABLES: Final = """
CREATE TABLE cpi_proxy_outbox_routes (
    route text PRIMARY KEY,
    waiting bigint NOT NULL DEFAULT 0,
    dead bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    held boolean NOT NULL DEFAULT false
) WITH (fillfactor = 10);
CREATE TABLE cpi_proxy_outbox_messages (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    route text NOT NULL,
    place smallint NOT NULL,
    due_at float8 NOT NULL,
    free_at float8 NOT NULL,
    accepted_at float8 NOT NULL,
    expires_at float8 NOT NULL,
    lifetime float8 NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    begun boolean NOT NULL DEFAULT false,
    code text NOT NULL DEFAULT '',
    size bigint NOT NULL,
    chain bytea,
    sender bytea,
    owner bytea,
    fence bigint NOT NULL DEFAULT 0,
    key_id bytea NOT NULL,
    content bytea NOT NULL,
    body text,
    body_size bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE cpi_proxy_outbox_messages ALTER content SET STORAGE EXTERNAL;
CREATE INDEX cpi_proxy_outbox_free ON cpi_proxy_outbox_messages (route, free_at, seq) WHERE place = 0;
CREATE INDEX cpi_proxy_outbox_alive ON cpi_proxy_outbox_messages (route, seq) WHERE place < 2;
CREATE INDEX cpi_proxy_outbox_dead ON cpi_proxy_outbox_messages (route, seq) WHERE place = 2;
CREATE INDEX cpi_proxy_outbox_chained ON cpi_proxy_outbox_messages (chain, seq) WHERE chain IS NOT NULL;
CREATE INDEX cpi_proxy_outbox_owned ON cpi_proxy_outbox_messages (owner) WHERE owner IS NOT NULL;
CREATE TABLE cpi_proxy_outbox_history (
    seq bigint NOT NULL,
    number integer NOT NULL,
    key_id bytea NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (seq, number)
);
CREATE TABLE cpi_proxy_outbox_pauses (
    chain bytea PRIMARY KEY,
    paused float8 NOT NULL,
    dead_since float8
);
CREATE TABLE cpi_proxy_outbox_remembered (
    sender bytea PRIMARY KEY,
    content bytea NOT NULL,
    id text NOT NULL,
    accepted_at float8 NOT NULL,
    expires_at float8 NOT NULL,
    forget_at float8 NOT NULL
);
CREATE INDEX cpi_proxy_outbox_forgotten ON cpi_proxy_outbox_remembered (forget_at);
CREATE TABLE cpi_proxy_outbox_pieces (
    body text NOT NULL,
    number integer NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (body, number)
);
ALTER TABLE cpi_proxy_outbox_pieces ALTER value SET STORAGE EXTERNAL;
CREATE TABLE cpi_proxy_outbox_loose (
    body text PRIMARY KEY,
    since float8 NOT NULL
);
"""
"`loose` has bodies that no message has: not yet, or not any more."

ENDINGS: Final = """
ALTER TABLE cpi_proxy_outbox_messages ADD COLUMN look_at float8;
CREATE INDEX cpi_proxy_outbox_ending ON cpi_proxy_outbox_messages (route, coalesce(look_at, expires_at), seq)
    WHERE place < 2;
CREATE INDEX cpi_proxy_outbox_blocking ON cpi_proxy_outbox_messages (chain, seq) WHERE place = 2 AND chain IS NOT NULL;
"""
"""`look_at` is when to see whether the time of a message is over. It is empty as long as that is `expires_at`, so that
a proxy of the version before need not know it."""
