s/    void \*page = page_new/    static void *page;\n    if (!page || qualification \& READABLE) page = page_new/
