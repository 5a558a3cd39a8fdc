"""One page a file: `console.pages` says how one is added."""
