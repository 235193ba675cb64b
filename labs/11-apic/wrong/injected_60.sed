s/== 3\) post/== 3) request/
