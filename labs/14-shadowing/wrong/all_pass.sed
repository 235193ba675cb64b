s/memset\(page_new\(\), 0xff, PAGE\)/page_new()/g
