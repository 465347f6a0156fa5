import assert from 'node:assert/strict';
import { characters, Vocabulary, words } from '../../lib/data/index.ts';
import { assertThrows } from '../support/errors.ts';

describe('data: vocabulary', () => {
  it('gives every character of "hello" a number, in code point order', () => {
    const vocabulary = characters('hello');
    assert.deepEqual(vocabulary.tokens, ['e', 'h', 'l', 'o']);
    assert.equal(vocabulary.size, 4);
    assert.deepEqual([...vocabulary.encode('hello')], [1, 0, 2, 2, 3]);
    assert.equal(vocabulary.decode(vocabulary.encode('hello')), 'hello');
  });

  it('keeps case, hyphens, commas, apostrophes, line breaks and characters beyond 16 bits', () => {
    const text = "It's a Well-known, odd 𝒯 and 😀\nline";
    const vocabulary = characters(text);
    for (const symbol of ["'", '-', ',', 'I', 'i', '\n', '𝒯', '😀']) assert.ok(vocabulary.tokens.includes(symbol), symbol);
    assert.equal(vocabulary.decode(vocabulary.encode(text)), text);
  });

  it('names the stranger and its place, or takes the unknown token', () => {
    assertThrows(() => characters('abc').encode('abx'), 'ERR_BPTT_VOCABULARY', /"x" \(character 2 of the text\)/);
    const tolerant = characters('abc', { unknown: '?' });
    assert.equal(tolerant.decode(tolerant.encode('abx')), 'ab?');
  });

  it('ranks words by how often they come and keeps the commonest', () => {
    const vocabulary = words('the cat, the dog; the well-known cat', { limit: 3 });
    assert.deepEqual(vocabulary.tokens, ['<unknown>', 'the', 'cat']);
    assert.deepEqual([...vocabulary.encode('the dog')], [1, 0]);
    const all = words("Don't stop (the well-known cat), please.");
    assert.ok(all.tokens.includes("Don't") && all.tokens.includes('well-known'));
    assert.equal(all.decode(all.encode("Don't stop (the well-known cat), please.")), "Don't stop (the well-known cat), please.");
  });

  it('survives JSON', () => {
    const vocabulary = words('one two three');
    const again = new Vocabulary(JSON.parse(JSON.stringify(vocabulary)) as ReturnType<Vocabulary['toJSON']>);
    assert.deepEqual(again.tokens, vocabulary.tokens);
    assert.deepEqual(again.encode('three four'), vocabulary.encode('three four'));
  });

  it('rejects empty texts, wrong numbers and misspelt options', () => {
    assertThrows(() => characters(''), 'ERR_BPTT_DATA');
    assertThrows(() => words('   '), 'ERR_BPTT_DATA');
    assertThrows(() => characters('ab').decode([2]), 'ERR_BPTT_VOCABULARY', /from 0 to 1, received 2/);
    assertThrows(() => words('a b', { limt: 2 } as object), 'ERR_BPTT_OPTION', /did you mean "limit"/);
    assertThrows(() => words('a b', { limit: 1 }), 'ERR_BPTT_RANGE');
    assertThrows(() => characters(7 as never), 'ERR_BPTT_TYPE');
  });
});

describe('data: what is no vocabulary', () => {
  it('is refused, tokens that are no texts too', () => {
    assertThrows(() => new Vocabulary({} as never), 'ERR_BPTT_TYPE', /kind/);
    assertThrows(() => new Vocabulary({ kind: 'words' } as never), 'ERR_BPTT_TYPE', /tokens/);
    assertThrows(() => new Vocabulary({ kind: 'words', tokens: ['a', 1], unknown: null } as never), 'ERR_BPTT_TYPE', /every token to be a text, received 1/);
    assertThrows(() => characters('text', { unknown: 5 as never }), 'ERR_BPTT_TYPE', /every token/);
    assertThrows(() => characters('text').decode(5 as never), 'ERR_BPTT_TYPE', /array of tokens, received 5/);
  });
});
