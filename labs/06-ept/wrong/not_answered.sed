s/    void \*page = page_new\(\)/    if (!(qualification \& READABLE)) return;\n&/
