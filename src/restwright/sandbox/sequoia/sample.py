SAMPLE = {"metadata/contents": [{"name": "c1"}]}
