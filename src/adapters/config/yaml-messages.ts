/** Our own words for what the YAML parser finds. Its messages quote the source, which may be a secret; these never do. */

import type { ErrorCode } from 'yaml';

const messages: { readonly [Code in ErrorCode]?: string } = {
  ALIAS_PROPS: 'an alias takes no anchor and no tag',
  BAD_ALIAS: 'an alias must follow the anchor that it names, and its name must be plain',
  BAD_COLLECTION_TYPE: 'tags such as `!name` are not supported',
  BAD_DIRECTIVE: 'directives such as `%YAML` are not supported here',
  BAD_DQ_ESCAPE: 'an unknown escape in a double-quoted text: write `\\\\` for a backslash, or use single quotes',
  BAD_INDENT: 'wrong indentation',
  BAD_PROP_ORDER: 'an anchor or tag stands in the wrong place',
  BAD_SCALAR_START: 'a plain text must not start with this character: put the text in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'two keys in one line, or a value with `: ` in it: put the value in quotes',
  BLOCK_IN_FLOW: 'a block list or map must not stand inside `[ ]` or `{ }`',
  IMPOSSIBLE: 'this is not YAML that can be read',
  KEY_OVER_1024_CHARS: 'a key must not be longer than 1024 characters',
  MISSING_CHAR: 'something is missing here: a quote, a bracket, a colon, a comma or a blank',
  MULTILINE_IMPLICIT_KEY: 'a key must stand in one line: is a colon missing?',
  MULTIPLE_ANCHORS: 'a value takes one anchor',
  MULTIPLE_DOCS: 'a configuration is one YAML document: remove what follows `---`',
  MULTIPLE_TAGS: 'a value takes one tag',
  NON_STRING_KEY: 'a key must be text',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'tabs must not indent: use blanks',
  TAG_RESOLVE_FAILED: 'tags such as `!name` are not supported',
  UNEXPECTED_TOKEN: 'this does not belong here: is a quote, a bracket or a line break wrong?',
};

export const describeYamlError = (code: ErrorCode): string => messages[code] ?? 'this is not YAML that can be read';
