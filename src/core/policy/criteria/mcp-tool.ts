/**
 * `mcp_tool`: the tool that an MCP `tools/call` names. Does not hold for other messages. String matcher.
 * Reasons: mcp-tool-match, mcp-tool-no-match, mcp-not-a-tool-call. Source: docs/policy-language.md "mcp_tool".
 */

import { criterion, NOT_UTF8_REASON, outcome, outcomes } from '../criterion.ts';
import { stringMatcher } from '../matchers.ts';

const notAToolCall = outcome('false', 'mcp-not-a-tool-call');
const unreadable = outcome('unknown', 'mcp-message-unreadable');
const byTruth = outcomes({ pass: 'mcp-tool-match', fail: 'mcp-tool-no-match' });

export const mcpTool = criterion({
  name: 'mcp_tool',
  data: stringMatcher,
  needs: ['body'],
  reads: ['mcp'],
  reasons: ['mcp-tool-match', 'mcp-tool-no-match', 'mcp-not-a-tool-call', 'mcp-message-unreadable', NOT_UTF8_REASON],
  compile: (matches, { semantics }) => {
    const isStrict = semantics === 'strict';
    return ({ mcp }) => {
      if (isStrict && mcp?.readable !== true) return unreadable;
      if (mcp?.method !== 'tools/call') return notAToolCall;
      return byTruth(mcp.tool !== undefined && matches(mcp.tool));
    };
  },
});
