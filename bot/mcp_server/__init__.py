"""The MCP server: read-only tools for coding agents."""
