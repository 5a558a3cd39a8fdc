"""The API's operations, one group a file; each takes what it needs from `console.desk`."""
