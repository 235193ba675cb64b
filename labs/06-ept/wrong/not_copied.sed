/memcpy\(page, shared/d
