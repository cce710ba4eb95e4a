"""Import files with one week of invented news, before the edition of 2 March 2026."""

ARTICLES = """id,url,title,published_at,section,section_slug,excerpt
007,https://hanbit.example/007,다리 위 보행로가 넓어졌다,2026-02-24 09:00,사회,society,걸어서 강을 건너는 사람이 늘었다.
008,https://hanbit.example/008,[단독] 항만 물동량 <최대>,2026-02-25 10:30,경제,economy,석 달째 오름세다.
009,https://hanbit.example/009,Night trains return,2026-02-26 07:45,국제,world,
010,https://hanbit.example/010,도서관이 밤 11시까지 문을 연다,2026-02-27 18:00,사회,society,
011,https://hanbit.example/011,이름 없는 꽃,2026-02-28 06:10,,,
"""
VIEWS = """article_id,date,views
007,2026-02-24,100
007,2026-02-25,900
008,2026-02-26,700
009,2026-02-26,600
010,2026-02-28,500
011,2026-02-28,400
"""
READERS = """address,name,locale,sections
kim@example.com,김지우,ko,
lee@example.com,이민서,,economy
grace@example.net,Grace O'Connor,en,
"""
EDITION = "2026-03-02"
