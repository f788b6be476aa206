"""The web console: where a person looks at proposals and decides in a browser. Server-rendered, and whole without a script."""
