/** What the console's API answers. Times are Unix seconds, durations seconds. */

export type Field = [name: string, value: string];

export interface Body {
  size: number;
  kept: number;
  /** Null if the body is binary. */
  text: string | null;
  media_type: string;
  download: string;
}

export interface Phase {
  name: string;
  seconds: number;
}

export interface Summary {
  id: string;
  at: number;
  sender: string;
  method: string;
  path: string;
  query: string;
  route: string;
  oauth_client: string;
  status: number;
  upstream_status: number;
  made_by: string;
  seconds: number;
  token: string;
  attempts: number;
  replays: string[];
  mpl_id: string;
  code: string;
  bytes_in: number;
  bytes_out: number;
  recorded: boolean;
}

/** What an exchange and an answer have in common: how it went, and what that means. */
export interface Outcome {
  id: string;
  status: number;
  made_by: string;
  token: string;
  replays: string[];
  seconds: number;
  phases: Phase[];
  upstream: string;
  mpl_id: string;
  code: string;
  detail: string;
  diagnosis: string;
  what_to_do: string;
}

export interface Exchange extends Summary, Outcome {
  user: string;
  client_certificate: string;
  correlation_id: string;
  attempts_list: { number: number; reason: string; text?: string }[];
  request: { fields: Field[]; body: Body } | null;
  response: { fields: Field[]; body: Body } | null;
  curl: string | null;
  curl_reason: string;
  send_again: boolean;
  send_again_reason: string;
}

export interface Answer extends Outcome {
  route?: string;
  oauth_client?: string;
  sender?: string;
  attempts?: number;
  /** False if the answer was cut. */
  whole?: boolean;
  fields: Field[];
  body: Body;
  truncated: boolean;
  download: string;
}

export interface Route {
  name: string;
  path: string;
  host: string | null;
  /** Null: all. */
  methods: string[] | null;
  upstream: string;
  oauth_client: string;
  csrf: string;
  max_body: number | null;
  outbox: boolean;
  fences: string[];
  connections: { idle: number; leased: number };
}

export interface Recording {
  route: string;
  until: number;
}

export interface Overview {
  version: string;
  now: number;
  started_at: number;
  config: string;
  pages: { outbox: boolean; sandbox: boolean };
  routes: Route[];
  recordings: Recording[];
  proxy_urls: string[];
}

export interface Traffic {
  exchanges: Summary[];
  /** Exchanges that have ended, those that are not listed included. */
  total: number;
}

export interface Certificate {
  file: string;
  subject: string;
  ends_at: number;
}

export interface Client {
  name: string;
  provider: string;
  token_url: string;
  client_id: string;
  auth_method: string;
  state: "none" | "fresh" | "stale" | "expired" | "blocked";
  obtained_at: number | null;
  fresh_until: number | null;
  expires_at: number | null;
  failure: { at: number; code: string; detail: string; what_to_do: string; until: number | null } | null;
  claims: Record<string, unknown> | null;
  certificates: Certificate[];
}

export interface CheckStep {
  group: string;
  name: string;
  result: "ok" | "warning" | "failed" | "skipped";
  detail: string;
  advice: string;
}

export interface Fault {
  name: string;
  description: string;
  on: boolean;
  value?: string | number | null;
  struck?: number;
}

export interface Sandbox {
  faults: Fault[];
  messages: Record<string, unknown>[];
  url: string;
}

/** A request of the Send page, as its history and collections keep it. */
export interface SavedRequest {
  name: string;
  route: string;
  method: string;
  path: string;
  fields: Field[];
  body: string;
}

export interface Imported {
  requests: SavedRequest[];
  skipped: { name: string; reason: string }[];
}

export interface OutboxRoute {
  route: string;
  waiting: number;
  delivering: number;
  dead: number;
  held: boolean;
  oldest_at: number | string | null;
  bytes: number;
}

export interface OutboxMessage {
  id: string;
  route: string;
  state: string;
  code: string | null;
  attempts: number;
  accepted_at: number | string;
  next_at: number | string | null;
  bytes: number;
}

export interface OutboxMessageDetails extends OutboxMessage {
  method: string;
  target: string;
  fields: Field[];
  message_id: string | null;
  history: {
    at: number | string;
    status: number | null;
    code: string | null;
    diagnosis: string | null;
    mpl_id: string | null;
  }[];
}
