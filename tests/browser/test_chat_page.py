"""The chat page, as people see it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.browser.conftest import Page, Site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

#: The table as the C# sample writes it, and as the JavaScript sample does.
JOBS = (
    "| Job number &nbsp; | Conversation ID &nbsp; | Completed |<br>"
    "| :--- | :---: | :---: |<br>"
    "| 1 &nbsp; | abc-1 &nbsp; | False |<br>| 2 &nbsp; | abc-2 &nbsp; | True |"
)
JOBS_WITHOUT_BARS = (
    "| Job number &nbsp; | Conversation ID &nbsp; | Completed |<br>"
    "| :--- | :---: | :---: |<br>1 &nbsp; | abc-1 &nbsp; | false<br>2 &nbsp; | abc-2 &nbsp; | true"
)

ATTACKS = (
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "<svg/onload=window.hacked=1>",
    "[click](javascript:window.hacked=1)",
    "[click](JaVaScRiPt&colon;window.hacked=1)",
    "[click](java\tscript:window.hacked=1)",
    "[click](data:text/html,<script>window.hacked=1</script>)",
    "[click](vbscript:x)",
    "![x](javascript:window.hacked=1)",
    "<javascript:window.hacked=1>",
    '[x](https://example.com/"onmouseover="window.hacked=1)',
    "`<img src=x onerror=window.hacked=1>`",
    "```\n</code></pre><script>window.hacked=1</script>\n```",
    (
        "| <img src=x onerror=window.hacked=1> | b |\n| --- | --- |\n"
        "| <script>window.hacked=1</script> | <br onclick=window.hacked=1> |"
    ),
    "<a href='javascript:window.hacked=1'>x</a>",
    "&lt;img src=x onerror=window.hacked=1&gt;",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "<style>body{display:none}</style>",
)


#: Markdown and what becomes of it; None: it is shown at all, and soon.
MARKDOWN: tuple[tuple[str, str | None], ...] = (
    ("one\ntwo\r\nthree", "<p>one<br>two<br>three</p>"),
    ("one\n\ntwo", "<p>one</p><p>two</p>"),
    ("one<br>two<BR/>three", "<p>one<br>two<br>three</p>"),
    (
        "**b** *i* _i_ __b__ ~~s~~",
        "<p><strong>b</strong> <em>i</em> <em>i</em> <strong>b</strong> <s>s</s></p>",
    ),
    (
        "***both*** **a *b* c**",
        "<p><strong><em>both</em></strong> <strong>a <em>b</em> c</strong></p>",
    ),
    ("2 * 3 * 4 and job_id_1 and ** x **", "<p>2 * 3 * 4 and job_id_1 and ** x **</p>"),
    ("**open and *x*", "<p>**open and <em>x</em></p>"),
    (r"\*not\* \<br> \\", r"<p>*not* &lt;br&gt; \</p>"),
    ("`a*b*` ``c`d`` `open", "<p><code>a*b*</code> <code>c`d</code> `open</p>"),
    ("```py\na < b\n\n*c*\n```\nafter", "<pre><code>a &lt; b\n\n*c*</code></pre><p>after</p>"),
    ("```\nnever closed", "<pre><code>never closed</code></pre>"),
    ("# one\n### two ##", "<h3>one</h3><h5>two</h5>"),
    (
        "- a\n- b\n  - c\n- d",
        "<ul><li>a</li><li><p>b</p><ul><li>c</li></ul></li><li>d</li></ul>",
    ),
    ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
    ("- a\n\n- b\n\ntext", "<ul><li>a</li><li>b</li></ul><p>text</p>"),
    ("text\n- a", "<p>text</p><ul><li>a</li></ul>"),
    ("> a\n> **b**\n\nc", "<blockquote><p>a<br><strong>b</strong></p></blockquote><p>c</p>"),
    ("a\n\n---\n\nb", "<p>a</p><hr><p>b</p>"),
    ("AT&amp;T &nbsp;&#8364;&#x20ac; &copy;", "<p>AT&amp;T &nbsp;\u20ac\u20ac &amp;copy;</p>"),
    (
        "[a **b**](https://example.com/x?y=1) (https://example.com/z).",
        "<p>" + '<a href="https://example.com/x?y=1" target="_blank" rel="noopener noreferrer">'
        "a <strong>b</strong></a> ("
        '<a href="https://example.com/z" target="_blank" rel="noopener noreferrer">'
        "https://example.com/z</a>).</p>",
    ),
    (
        "<ana@example.com> <https://example.com/>",
        (
            '<p><a href="mailto:ana@example.com" target="_blank" rel="noopener noreferrer">'
            'ana@example.com</a> <a href="https://example.com/" target="_blank" '
            'rel="noopener noreferrer">https://example.com/</a></p>'
        ),
    ),
    ("[x](/etc/passwd) [y] [z]()", "<p>[x](/etc/passwd) [y] [z]()</p>"),
    (
        "| a<br>b | c\\|d |\n|---|---|\n| e |",
        (
            '<div class="table" tabindex="0" role="region" '
            'aria-label="Table"><table><thead><tr><th class="start" scope="col">a<br>b</th>'
            '<th class="start" scope="col">c|d</th></tr></thead><tbody><tr>'
            '<td class="start">e</td><td class="start"></td></tr></tbody></table></div>'
        ),
    ),
    ("a | b\nno delimiter", "<p>a | b<br>no delimiter</p>"),
    ("<b>bold</b>", "<p>&lt;b&gt;bold&lt;/b&gt;</p>"),
    ("> " * 30 + "deep", None),
    ("*" * 30_000, None),
    ("*a " * 10_000, None),
    ("[" * 30_000, None),
    ("`" * 15_000 + " " + "`" * 14_000, None),
    ("| a " * 5_000 + "\n" + "|---" * 5_000, None),
    ("x" * 100_000, None),
)


def test_each_window_is_a_person(page: Page) -> None:
    """Two windows: two people in two conversations, each told to the bot."""
    page.ana.type("hello")
    page.ana.until(lambda: page.ana.messages("mine") == ["hello"])
    page.ben.type("hi")
    page.ben.until(lambda: page.ben.messages("mine") == ["hi"])
    assert page.ana.conversation != page.ben.conversation
    page.ana.until(lambda: len([a for a in page.site.heard if a["type"] == "message"]) == 2)
    said = {a["text"]: a for a in page.site.heard if a["type"] == "message"}
    assert (said["hello"]["from"]["name"], said["hi"]["from"]["name"]) == ("Ana", "Ben")
    assert said["hello"]["from"]["id"] != said["hi"]["from"]["id"]
    assert said["hello"]["conversation"]["id"] == page.ana.conversation


@pytest.mark.parametrize("jobs", [JOBS, JOBS_WITHOUT_BARS, JOBS.replace("<br>", "\n")])
def test_the_job_table_is_a_table(page: Page, jobs: str) -> None:
    """However the samples write it."""
    page.site.say(page.ana.conversation, jobs)
    page.ana.until(lambda: page.ana.texts(".bot table"))
    assert page.ana.texts("th") == ["Job number", "Conversation ID", "Completed"]
    rows = [
        [cell.lower() for cell in page.ana.texts(f"tbody tr:nth-child({n}) td")] for n in (1, 2)
    ]
    assert rows == [["1", "abc-1", "false"], ["2", "abc-2", "true"]]
    assert len(page.ana.find("tbody tr")) == 2
    assert page.ana.find("th")[1].get_attribute("class") == "center"


def test_markdown(page: Page) -> None:
    """What is understood of Markdown."""
    rendered = page.browser.execute_async_script(
        """
        const [cases, done] = arguments;
        import("/chat/markdown.js").then(({ render }) => done(cases.map((written) => {
          const start = performance.now();
          const box = document.createElement("div");
          box.append(render(written));
          return [box.innerHTML, (performance.now() - start) / 1000];
        })));
        """,
        [written for written, _ in MARKDOWN],
    )
    for (written, html), (shown, seconds) in zip(MARKDOWN, rendered, strict=True):
        assert (written[:500], shown) == (written[:500], shown if html is None else html)
        assert shown
        assert seconds < 2


def test_what_looks_like_markup_is_text(page: Page) -> None:
    """No message makes the page run, load or submit anything."""
    for attack in ATTACKS:
        page.site.say(page.ana.conversation, attack)
    page.site.say(
        page.ana.conversation,
        {
            "type": "message",
            "text": "cards",
            "attachments": [
                {"contentType": "image/png", "contentUrl": "javascript:window.hacked=1"},
                {"contentType": "text/html", "contentUrl": "javascript:window.hacked=1"},
                {"contentType": "<img src=x onerror=window.hacked=1>", "content": None},
                {
                    "contentType": "application/vnd.microsoft.card.hero",
                    "content": {
                        "title": "<script>window.hacked=1</script>",
                        "text": "<img src=x onerror=window.hacked=1>",
                        "images": [{"url": "javascript:window.hacked=1"}],
                        "buttons": [
                            {
                                "type": "openUrl",
                                "title": "open",
                                "value": "javascript:window.hacked=1",
                            }
                        ],
                    },
                },
                None,
                "nonsense",
            ],
        },
    )
    page.site.say(page.ana.conversation, "the end")
    page.ana.until(lambda: "the end" in page.ana.messages())
    for button in page.ana.find(".card button"):
        button.click()
    assert len(page.ana.messages("bot")) == len(ATTACKS) + 2
    assert page.ana.find(".log :is(script, img, svg, iframe, style, object, form)") == []
    attributes, hacked = page.browser.execute_script(
        """
        const inside = document.querySelectorAll(".log *");
        const names = Array.from(inside, (each) => each.getAttributeNames());
        return [[...new Set(names.flat())], window.hacked ?? null];
        """
    )
    assert hacked is None
    assert not [name for name in attributes if name.startswith("on") or name == "style"]
    links = [link.get_attribute("href") for link in page.ana.find(".log a")]
    assert all(link.startswith("https://example.com/") for link in links)


def test_suggested_actions_are_buttons_until_one_is_used(page: Page) -> None:
    """Pressing one says it, and takes them away."""
    page.site.say(
        page.ana.conversation,
        {
            "type": "message",
            "text": "What now?",
            "suggestedActions": {
                "actions": [
                    {"type": "imBack", "title": "Run it", "value": "run"},
                    {"type": "imBack", "title": "Show", "value": "show"},
                ]
            },
        },
    )
    buttons = page.ana.until(lambda: page.ana.find(".suggestions button"))
    assert [button.text for button in buttons] == ["Run it", "Show"]
    buttons[0].click()
    page.ana.until(lambda: page.ana.messages("mine") == ["run"])
    assert page.ana.find(".suggestions button") == []
    page.ana.until(lambda: [a for a in page.site.heard if a.get("text") == "run"])


def test_typing_is_shown_until_the_message_comes(page: Page) -> None:
    """An indicator, not a message."""
    page.site.say(page.ana.conversation, {"type": "typing"})
    page.ana.until(page.ana.find(".typing")[0].is_displayed)
    page.site.say(page.ana.conversation, "done typing")
    page.ana.until(lambda: page.ana.messages() == ["done typing"])
    assert not page.ana.find(".typing")[0].is_displayed()


def test_a_changed_message_changes_in_place(page: Page) -> None:
    """Edits and removals are seen at once, and without doubling anything."""
    first = page.site.say(page.ana.conversation, "working")
    second = page.site.say(page.ana.conversation, "noise")
    page.ana.until(lambda: page.ana.messages() == ["working", "noise"])
    page.site.say(page.ana.conversation, "done", method="PUT", activity_id=first.activity_id)
    page.site.say(page.ana.conversation, "", method="DELETE", activity_id=second.activity_id)
    page.ana.until(lambda: page.ana.messages() == ["done"])


def test_after_a_restart_everything_is_there_once(page: Page) -> None:
    """The server goes, the bot speaks, a person types, the token expires, the server comes back."""

    async def echo(site: Site, activity: dict[str, Any]) -> None:
        await site.saying(activity["conversation"]["id"], f"echo: {activity['text']}")

    page.site.script = echo
    conversation = page.ana.conversation
    page.ana.type("one")
    page.ana.until(lambda: page.ana.messages() == ["one", "echo: one"])
    page.site.stop()
    page.ana.until(lambda: page.ana.texts(".status") != ["Online"])
    page.site.say(conversation, "sent while away")
    page.ana.type("typed while away")
    page.ana.until(lambda: "Not sent yet" in " ".join(page.ana.texts(".meta")))
    assert page.ana.messages() == ["one", "echo: one", "typed while away"]
    page.site.start(ahead=timedelta(hours=10))
    expected = [
        "one",
        "echo: one",
        "sent while away",
        "typed while away",
        "echo: typed while away",
    ]
    page.ana.until(lambda: page.ana.messages() == expected)
    assert page.ana.conversation == conversation
    assert page.ana.texts(".away") == ["While you were away"]
    assert page.ana.texts(".message[data-state]") == []
    assert [a["text"] for a in page.site.heard if a["type"] == "message"] == [
        "one",
        "typed while away",
    ]
    page.ana.until_online()
    page.browser.refresh()
    page.ana.until(lambda: page.ana.messages() == expected)


def test_what_was_typed_outlives_the_page(page: Page) -> None:
    """Closing the window before the message could leave does not lose it."""
    page.site.stop()
    page.ana.until(lambda: page.ana.texts(".status") != ["Online"])
    page.ana.type("do not lose me")
    page.ana.until(lambda: page.ana.messages("mine") == ["do not lose me"])
    page.browser.get("about:blank")
    page.site.start()
    page.open()
    page.ana.until(lambda: [a for a in page.site.heard if a.get("text") == "do not lose me"])
    page.ana.until(lambda: page.ana.messages("mine") == ["do not lose me"])
    page.ana.until(lambda: page.ana.texts(".message[data-state]") == [])


def test_whoever_comes_back_sees_what_was_sent_meanwhile(page: Page) -> None:
    """History is kept, and what is new in it is marked."""
    page.site.say(page.ana.conversation, "before")
    page.ana.until(lambda: page.ana.messages() == ["before"])
    conversation = page.ana.conversation
    page.ana.until(lambda: page.ana.memory("shown") == "1")
    page.browser.get("about:blank")
    page.site.say(conversation, "meanwhile")
    page.open()
    page.ana.until(lambda: page.ana.messages() == ["before", "meanwhile"])
    assert page.ana.texts(".away") == ["While you were away"]
    assert page.ana.texts(".missed .body") == ["meanwhile"]


def test_a_conversation_that_is_gone_is_begun_anew(page: Page) -> None:
    """With the database deleted there is nothing to come back to."""
    conversation = page.ana.conversation
    page.ana.type("old")
    page.ana.until(lambda: page.ana.messages("message:not([data-state])") == ["old"])
    page.site.stop()
    page.site.forget()
    page.site.start()
    page.ana.until(lambda: page.ana.conversation not in (None, conversation))
    page.ana.until_online()
    assert page.ana.messages() == []
    page.ana.type("new")
    page.ana.until(lambda: page.ana.messages() == ["new"])


def test_a_new_conversation_is_a_click_away(page: Page) -> None:
    """The other window is not touched."""
    former, other = page.ana.conversation, page.ben.conversation
    page.site.say(former, "old")
    page.ana.until(lambda: page.ana.messages() == ["old"])
    page.ana.find(".renew")[0].click()
    page.ana.type("at once")
    page.ana.until(lambda: page.ana.conversation not in (None, former))
    page.ana.until(lambda: page.ana.messages("message:not([data-state])") == ["at once"])
    assert page.ben.conversation == other
    page.site.say(former, "into the void")
    page.site.say(page.ana.conversation, "fresh")
    page.ana.until(lambda: page.ana.messages() == ["at once", "fresh"])


def test_a_failing_bot_is_told_and_the_message_stays(page: Page) -> None:
    """It is in the history, so it is not sent again."""

    async def fail(site: Site, activity: dict[str, Any]) -> None:
        raise RuntimeError(activity["text"])

    page.site.script = fail
    page.ana.type("hello?")
    page.ana.until(lambda: page.ana.texts(".trouble") == ["The bot failed."])
    assert page.ana.messages() == ["hello?"]
    page.ana.until(lambda: page.ana.texts(".message[data-state]") == [])
    assert len([a for a in page.site.heard if a["type"] == "message"]) == 1


def test_a_message_the_server_refuses_can_be_discarded(page: Page) -> None:
    """The reason is shown, and it does not stand in the way of the next."""
    page.browser.execute_script(
        "document.querySelector('[data-person=ana] textarea').value = '\\ud800'"
    )
    page.ana.type("")
    page.ana.until(lambda: "Not sent:" in " ".join(page.ana.texts(".meta")))
    page.ana.type("next")
    page.ana.until(lambda: [a for a in page.site.heard if a.get("text") == "next"])
    page.ana.find(".meta button")[1].click()
    page.ana.until(lambda: page.ana.messages() == ["next"])


def test_the_page_is_strict_and_its_own(page: Page) -> None:
    """Nothing from elsewhere, nothing inline, nothing that can be framed."""
    policy, names = page.browser.execute_async_script(
        """
        const done = arguments[0];
        fetch("/").then((answer) => done([
          answer.headers.get("content-security-policy"),
          performance.getEntriesByType("resource").map(({ name }) => new URL(name).origin),
        ]));
        """
    )
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert set(names) == {page.site.url.rstrip("/")}
    assert page.browser.find_elements("css selector", "[style], script:not([src]), style") == []
