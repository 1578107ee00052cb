"""The MCP server: the memory of one user as tools, over stdio and over streamable HTTP."""
