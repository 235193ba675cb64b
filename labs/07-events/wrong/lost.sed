/vectoring & VALID/d
