/** A radix trie of prefixes: all that a path begins with, at a cost that depends on the path and not on how many prefixes there are. */

type Node<T> = {
  /** The characters between the parent's prefix and this one's. */
  label: string;
  values: T[];
  /** Most nodes have none, and a Map takes more than the rest of the node. */
  children: Map<number, Node<T>> | undefined;
};

export type PrefixTrie<T> = {
  add(prefix: string, value: T): void;
  /** The values of every prefix of `text`, the shorter prefixes first. */
  forEachPrefixOf(text: string, visit: (values: readonly T[]) => void): void;
};

const createNode = <T>(label: string): Node<T> => ({ label, values: [], children: undefined });

export function createPrefixTrie<T>(): PrefixTrie<T> {
  const root = createNode<T>('');
  return {
    add: (prefix, value) => void nodeFor(root, prefix).values.push(value),
    forEachPrefixOf(text, visit) {
      let node = root;
      let position = 0;
      for (;;) {
        if (node.values.length > 0) visit(node.values);
        const child = node.children?.get(text.charCodeAt(position));
        if (child === undefined || !text.startsWith(child.label, position)) return;
        position += child.label.length;
        node = child;
      }
    },
  };
}

/** The node of the prefix, made where there is none; a label is split where two prefixes part. */
function nodeFor<T>(root: Node<T>, prefix: string): Node<T> {
  let node = root;
  let rest = prefix;
  while (rest !== '') {
    const key = rest.charCodeAt(0);
    const children = (node.children ??= new Map<number, Node<T>>());
    const child = children.get(key);
    if (child === undefined) {
      const leaf = createNode<T>(rest);
      children.set(key, leaf);
      return leaf;
    }
    const common = commonLength(child.label, rest);
    if (common < child.label.length) {
      const upper = createNode<T>(child.label.slice(0, common));
      child.label = child.label.slice(common);
      upper.children = new Map([[child.label.charCodeAt(0), child]]);
      children.set(key, upper);
      node = upper;
    } else {
      node = child;
    }
    rest = rest.slice(common);
  }
  return node;
}

function commonLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one.charCodeAt(length) === other.charCodeAt(length)) length += 1;
  return length;
}
