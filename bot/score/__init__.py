"""How right we were: recorded histories against what their vendors said in the end. Numbers in, tables and JSON out."""
