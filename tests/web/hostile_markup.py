"""Markup that tries to load, run or submit something."""

HOST = "https://evil.test"
"""Every address in it, so that one that survives is found."""
_PATTERNS = (
    '<script src="@@/s.js">alert(1)</script>',
    '<script>fetch("@@")</script>',
    '<link rel="stylesheet" href="@@/a.css"><base href="@@/">',
    '<meta http-equiv="refresh" content="0;url=@@/">',
    '<iframe src="@@/"></iframe><frameset><frame src="@@/"></frameset>',
    '<object data="@@/o"></object><embed src="@@/e"><applet code="@@">',
    '<video src="@@/v" poster="@@/p"><source src="@@/w"></video>',
    '<audio autoplay src="@@/a"></audio><input type="image" src="@@/i">',
    '<img src="@@/1.png" onerror="alert(1)" onload=alert(1)>',
    '<img srcset="@@/2.png 2x" sizes="100vw" lowsrc="@@/l" dynsrc="@@/d">',
    '<picture><source srcset="@@/3.png"><img alt="x"></picture>',
    '<svg><image href="@@/s"/><use xlink:href="@@/u"/><style>@import "@@/x"</style></svg>',
    '<table background="@@/t.png"><tr><td background="@@/c.png">x</td></tr></table>',
    '<div style="background:url(@@/b.png)">x</div>',
    "<div style='background-image:url(\"@@/b2.png\")'>x</div>",
    '<div style="background:u\\72l(@@/b3.png); list-style: url( @@/l )">x</div>',
    "<div style=\"background-image:image-set('@@/b4.png' 1x); --x: url(@@/v)\">x</div>",
    '<div style="content:url(@@/c); cursor:url(@@/c2), auto; filter:url(@@/f#x)">',
    '<style>@import url("@@/i.css"); @import "@@/j.css";</style>',
    "<style>@font-face{font-family:x;src:url(@@/f.woff)} *{font-family:x}</style>",
    '<style>body{background:url(@@/s.png)} @media all{p{background:src("@@/m.png")}}</style>',
    '<style>p::after{content:"\\3c/style>\\3cimg src=@@/e.png>"}</style>',
    '<style media="all{} } @import url(@@/q)">p{background:-webkit-image-set("@@/w" 1x)}</style>',
    '<style>p{background:image("@@/im"), cross-fade(url(@@/cf), red)}</style>',
    '<xmp><p title="</xmp><img src=@@/x.png>"></xmp><noscript><img src="@@/n.png"></noscript>',
    '<textarea><p title="</textarea><img src=@@/t.png>"></textarea>',
    '<title></title><plaintext><noembed><p title="</noembed><img src=@@/ne.png>">',
    '<form action="@@/"><button formaction="@@/">x</button></form>',
    '<a href="javascript:alert(1)" ping="@@/p">x</a><a href=" java\tscript:alert(1)">y</a>',
    '<a href="data:text/html,x">z</a><area href="vbscript:x"><a href="@@/kept" target="_top">link</a>',
    "<!--[if mso]><img src='@@/mso.png'><script>1</script><![endif]-->",
    (
        '<!--[if gte mso 9]><v:rect fillcolor="red;background:url(@@/vf)" '
        'style="width:9px;height:url(@@/h)"><v:fill src="@@/vml"/></v:rect><![endif]-->'
    ),
    '<!--[if !mso]><!--><img src="@@/not.png"><!--<![endif]-->',
    '<math><mtext><img src="@@/math"></mtext></math><template><img src="@@/te"></template>',
    '<body background="@@/body.png" onload="alert(1)" style="background:url(@@/bs)">',
    '<html manifest="@@/m"><head profile="@@/p"></head>',
    '<img alt="a&quot; onerror=&quot;1" width="1e9" height="-5" src="file:///etc/passwd">',
    '<p style="x:expression(alert(1)); behavior:url(@@/b.htc); -moz-binding:url(@@/b.xml)">',
)
HOSTILE = tuple(pattern.replace("@@", HOST) for pattern in _PATTERNS)
