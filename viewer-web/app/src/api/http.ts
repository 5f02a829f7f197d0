/** One way to talk to the server: JSON in and out, problems (RFC 9457) as values of `Problem`. */

/** A request that did not succeed. `status` 0 means that no answer came. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly detail: string | null;
  /** Field name → key of the reason, for forms. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(status: number, body: ProblemBody = {}) {
    super(body.title ?? `status ${status}`);
    this.name = 'Problem';
    this.status = status;
    this.code = body.code ?? null;
    this.detail = body.detail ?? null;
    this.fields = body.errors ?? {};
  }
}

interface ProblemBody {
  title?: string;
  detail?: string;
  code?: string;
  errors?: Record<string, string>;
}

/** Whether no answer came or the server was busy or away, so that it is worth asking again; anything else is an answer. */
export function isPassing(error: unknown): boolean {
  return error instanceof Problem && [0, 502, 503, 504].includes(error.status);
}

/** Whether the server has answered that it will not do this, as it was asked. */
export function isRefused(error: unknown): boolean {
  return error instanceof Problem && error.status >= 400 && error.status < 500;
}

/** Told when the server says that nobody is signed in. */
let onSignedOut: () => void = () => undefined;

/** Registers what happens when a session has ended. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act;
}

interface Options {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  signal?: AbortSignal | undefined;
  accept?: string;
  headers?: Record<string, string>;
  priority?: RequestPriority;
}

/** Sends one request; resolves to the JSON body, or undefined when there is none. */
export async function request<T>(path: string, options: Options = {}): Promise<T> {
  const response = await send(path, options);
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** Like `request`, for bytes, which the caller reads as they come. */
export async function requestBytes(
  path: string, accept: string, signal?: AbortSignal, headers: Record<string, string> = {}, priority: RequestPriority = 'auto',
): Promise<Response> {
  const response = await send(path, { accept, signal, headers, priority });
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function send(path: string, { method = 'GET', body, signal, accept = 'application/json', headers: more, priority = 'auto' }: Options): Promise<Response> {
  const headers: Record<string, string> = { Accept: accept, ...more };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  try {
    return await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
      priority,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0);
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const signingIn = response.url.endsWith('/api/v1/session');
  if (response.status === 401 && !signingIn) onSignedOut();
  const isJson = response.headers.get('Content-Type')?.includes('json') ?? false;
  const body = isJson ? ((await response.json().catch(() => ({}))) as ProblemBody) : {};
  return new Problem(response.status, body);
}

/** A path with the parameters that have a value. */
export function withQuery(path: string, parameters: Record<string, string | number | null | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}
