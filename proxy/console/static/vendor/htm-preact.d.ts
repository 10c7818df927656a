/** What we use of htm/preact/standalone, for `tsc`; the library comes without types of its own. */

export interface VNode {
  readonly type: unknown;
}

export interface Ref<T> {
  current: T | null;
}

export function html(strings: TemplateStringsArray, ...values: unknown[]): VNode;
export function render(node: VNode, into: Element): void;

export class Component<P = {}, S = {}> {
  constructor(props?: P);
  props: P;
  state: S;
  setState(change: Partial<S>): void;
  shouldComponentUpdate(next: P, state: S): boolean;
  render(props: P, state: S): VNode | null;
}

export function useState<T>(initial: T | (() => T)): [T, (next: T | ((now: T) => T)) => void];
export function useEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
export function useLayoutEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
export function useMemo<T>(make: () => T, inputs: readonly unknown[]): T;
export function useRef<T>(initial: T | null): Ref<T>;
