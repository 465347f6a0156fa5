const opaque = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])'/g;

/** C++ with comments and literals blanked out, every line and column where it was. Include lines keep their file names. */
export function blankComments(text: string): string {
  return text.replace(opaque, (match: string, offset: number) => {
    const lineStart = text.lastIndexOf('\n', offset) + 1;
    const isInclude = /^\s*#\s*include\s*$/.test(text.slice(lineStart, offset));
    return isInclude ? match : match.replace(/[^\n]/g, ' ');
  });
}

export interface CppFunction {
  readonly name: string;
  readonly firstLine: number;
  readonly lines: number;
}

/** A preprocessor directive with its continued lines. */
const directive = /^[ \t]*#(?:[^\n\\]|\\[^\n]|\\\n)*/gm;

const notAFunction = /\b(?:namespace|struct|class|enum|union|extern)\b[^()]*$/;
const parameterList = /([\w:~]+|operator\s*\S+)\s*\(/;

/** How the text before a `{` at namespace or class scope ends: the head of a function, or of something else. */
function functionName(head: string): string | undefined {
  const plain = head.replace(/template\s*<[^{};]*?>\s*(?=[\w[])/, '');
  if (notAFunction.test(plain) || !plain.includes('(') || /=\s*$/.test(plain)) return undefined;
  return parameterList.exec(plain)?.[1];
}

/** Every function definition with a body, macros left out; lambdas count as part of the function they stand in. */
export function cppFunctions(source: string): CppFunction[] {
  const text = blankComments(source).replace(directive, (lines) => lines.replace(/[^\n]/g, ' '));
  const found: CppFunction[] = [];
  let line = 1;
  let headStart = 0;
  let headLine = 1;
  let depth = 0;
  let open: { name: string; firstLine: number; depth: number } | undefined;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '\n') line++;
    if (character === '{') {
      const head = text.slice(headStart, i);
      const name = open ? undefined : functionName(head);
      if (name) {
        const leading = /^\s*/.exec(head)![0];
        open = { name, firstLine: headLine + leading.split('\n').length - 1, depth };
      }
      depth++;
    } else if (character === '}') {
      depth--;
      if (open?.depth === depth) {
        found.push({ name: open.name, firstLine: open.firstLine, lines: line - open.firstLine + 1 });
        open = undefined;
      }
    }
    if (character === '{' || character === '}' || character === ';') {
      headStart = i + 1;
      headLine = line;
    }
  }
  return found;
}
