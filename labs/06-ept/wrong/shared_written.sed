s/ memcpy\(page, shared, PAGE\)/ page = shared/
