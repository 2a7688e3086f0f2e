import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createSealer } from '../../src/adapters/system/sealer.ts';
import { systemEntropy } from '../../src/adapters/system/entropy.ts';
import { epochSeconds, idpName } from '../../src/core/units.ts';
import { isAskExpired, openAsk, sealAsk, type Ask } from '../../src/endpoints/login/ask.ts';
import {
  codeVerifierOf,
  flowIdOfState,
  isFlowExpired,
  isStateOf,
  newFlow,
  nonceOf,
  openFlow,
  sealFlow,
  stateOf,
  type Flow,
} from '../../src/endpoints/login/flow.ts';
import { singleParameters } from '../../src/endpoints/parameters.ts';

const sealer = createSealer(['secret']);
const NOW = epochSeconds(1_768_478_400);
const HOST = 'app.example.com';

const aFlow = (changes: Partial<Flow> = {}): Flow => ({
  ...newFlow(
    {
      idp: idpName('default'),
      beganAt: NOW,
      isForced: false,
      stepUp: { acrValues: ['gold'], maxAge: 900 },
      back: { kind: 'here', path: '/a' },
    },
    systemEntropy,
  ),
  ...changes,
});

const anAsk: Ask = {
  at: NOW,
  idps: [idpName('a b'), idpName('c')],
  lifetimeSeconds: 60,
  idleSeconds: 30,
  prompt: 'login',
  stepUp: { acrValues: undefined, maxAge: 60 },
  back: { kind: 'host', host: HOST, flowId: 'A'.repeat(16) },
};

describe('a flow', () => {
  test('comes back from its cookie as it was, on its host only', () => {
    const flows = [
      aFlow(),
      aFlow({ idp: undefined, isForced: true }),
      aFlow({ back: { kind: 'host', host: 'x.example.com', flowId: 'A'.repeat(16) } }),
    ];
    for (const flow of flows) {
      const sealed = sealFlow(flow, HOST, sealer);
      expect(openFlow(sealed, HOST, sealer)).toEqual(flow);
      expect(openFlow(sealed, 'wiki.example.com', sealer)).toBeUndefined();
      expect(openAsk(sealed, HOST, sealer)).toBeUndefined();
    }
  });

  test('gives three values that tell nothing of each other', () => {
    const flow = aFlow();
    const values = [stateOf(flow).split('.')[1] ?? '', nonceOf(flow), codeVerifierOf(flow), flow.secret];
    expect(new Set(values).size).toBe(4);
    for (const value of values) expect(value).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test('is found by its state, and by no other', () => {
    const flow = aFlow();
    expect(flowIdOfState(stateOf(flow))).toBe(flow.id);
    expect(isStateOf(flow, stateOf(flow))).toBe(true);
    expect(isStateOf(flow, stateOf({ ...aFlow(), id: flow.id }))).toBe(false);
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(isStateOf(flow, text)).toBe(false);
        flowIdOfState(text);
      }),
    );
  });

  test('is over after ten minutes, and one from the future is none', () => {
    const flow = aFlow();
    expect(isFlowExpired(flow, epochSeconds(NOW + 599))).toBe(false);
    expect(isFlowExpired(flow, epochSeconds(NOW + 600))).toBe(true);
    expect(isFlowExpired(flow, epochSeconds(NOW - 60))).toBe(false);
    expect(isFlowExpired(flow, epochSeconds(NOW - 61))).toBe(true);
  });
});

describe('an ask', () => {
  test('comes back as it was, for its host only', () => {
    const here: Ask = {
      ...anAsk,
      idps: [],
      idleSeconds: undefined,
      prompt: undefined,
      back: { kind: 'here', path: '/' },
    };
    for (const ask of [anAsk, here]) {
      const sealed = sealAsk(ask, HOST, sealer);
      expect(openAsk(sealed, HOST, sealer)).toEqual(ask);
      expect(openAsk(sealed, 'wiki.example.com', sealer)).toBeUndefined();
      expect(openFlow(sealed, HOST, sealer)).toBeUndefined();
    }
  });

  test('is over after ten minutes, and one from the future is none', () => {
    expect([NOW, NOW + 599, NOW + 600, NOW - 61].map((now) => isAskExpired(anAsk, epochSeconds(now)))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});

describe('sealed text of another shape', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map((json) => `{"i":${json},"s":"s","t":1,"r":"/"}`),
  );

  test('is no flow and no ask, and nothing throws', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const flow = openFlow(sealer.seal('flow', text, HOST), HOST, sealer);
        if (flow !== undefined) expect(typeof flow.id).toBe('string');
        expect(openAsk(sealer.seal('flow', text, `ask ${HOST}`), HOST, sealer)).toBeUndefined();
      }),
    );
  });

  test.each([
    '{"i":"x","s":"s","t":1,"h":"host"}',
    '{"i":"x","s":"s","t":1}',
    '{"s":"s","t":1,"r":"/"}',
    'null',
    '[]',
    '{',
  ])('%s is no flow', (text) => {
    expect(openFlow(sealer.seal('flow', text, HOST), HOST, sealer)).toBeUndefined();
  });

  test.each(['{"t":1,"p":["a",1],"l":1,"r":"/"}', '{"t":1,"p":"a","l":1,"r":"/"}', '{"t":1,"p":[],"r":"/"}'])(
    '%s is no ask',
    (text) => {
      expect(openAsk(sealer.seal('flow', text, `ask ${HOST}`), HOST, sealer)).toBeUndefined();
    },
  );
});

describe('parameters', () => {
  test('are taken once, decoded, and only those that are named', () => {
    expect(singleParameters('a=1&b=x%20y+z&c=', ['a', 'b', 'c', 'd'])).toEqual({
      ok: true,
      value: { a: '1', b: 'x y z' },
    });
    expect(singleParameters(undefined, ['a'])).toEqual({ ok: true, value: {} });
    expect(singleParameters('b=1&b=2&a=1', ['a'])).toEqual({ ok: true, value: { a: '1' } });
  });

  test('that occur twice, in whatever spelling, are refused', () => {
    for (const query of ['a=1&a=2', 'a=1&%61=2', 'a=&a=', 'a&a=1'])
      expect(singleParameters(query, ['a']).ok).toBe(false);
    expect(singleParameters('x'.repeat(40_000), ['a']).ok).toBe(false);
  });
});
