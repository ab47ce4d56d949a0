"""Sources of patient records: one module per format, each giving records or what is wrong."""
