"""Plans to statements: the only package that imports sqlglot."""
