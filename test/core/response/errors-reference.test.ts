import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { refusalCodes } from '../../../src/core/response/refusal-codes.ts';
import { renderErrorsReference } from '../../../tools/errors-reference.mjs';

describe('docs/errors.md', () => {
  test('is what the table of refusals says (run `npm run -s build && node tools/write-errors-reference.mjs`)', () => {
    const file = readFileSync(join(__dirname, '../../../docs/errors.md'), 'utf8');
    expect(file).toBe(renderErrorsReference(refusalCodes));
  });

  test('has a section for each code', () => {
    const sections = renderErrorsReference(refusalCodes).match(/^## .*/gm);
    expect(sections).toHaveLength(Object.keys(refusalCodes).length - 1);
  });

  test('is not written with a gRPC status that has no name', () => {
    const broken = { x: { ...refusalCodes.forbidden, grpcStatus: 0 } };
    expect(() => renderErrorsReference(broken)).toThrow('the gRPC status 0 of x has no name here');
  });
});
