"""Sessions of the Allen Institute, listed and downloaded through AllenSDK's own environment."""


rule prepare_allensdk:
    """Set up AllenSDK's own environment, and see that it writes and opens an NWB file.

    Where that fails, it is noted, and the sessions that need it are rows that say so.
    """
    input:
        environment=str(HOUSE / "envs" / "allensdk.txt"),
        script=script("prepare_allensdk"),
    output:
        versions="<results>/allensdk.json",
    log:
        "<logs>/prepare_allensdk.log",
    benchmark:
        "<benchmarks>/prepare_allensdk.tsv"
    localrule: True
    resources:
        mem_mb=1000,
    params:
        python=allensdk(),
        failed=lambda wildcards: json.dumps(
            {"status": "failed", "tries": 1 + failures_of("allensdk.json")(wildcards)}
        ),
    shell:
        """
        ended=0
        {params.python} {input.script:q} {output.versions:q} >{log:q} 2>&1 || ended=$?
        [ $ended -lt 128 ] || exit $ended # it was interrupted
        [ $ended -eq 0 ] || echo {params.failed:q} >{output.versions:q}
        """


rule list_allen_probes:
    """Ask AllenSDK for the probes of a session, and where their files are."""
    input:
        # what the warehouse has said once is not asked again because a program is newer
        environment=ancient("<results>/allensdk.json"),
        script=ancient(script("list_allen_probes")),
    output:
        listed="<results>/{session}/allen.tsv",
    log:
        "<logs>/list_allen_probes/{session}.log",
    benchmark:
        "<benchmarks>/list_allen_probes/{session}.tsv"
    localrule: True
    resources:
        mem_mb=1000,
        downloads=1,
    params:
        python=allensdk("--offline"),
        folder=lambda wildcards: f"{config['cache']}/allen",
        # what did not answer is asked again
        failures=failures_of("{session}/listing.json"),
        warehouse=warehouse(),
        patience=patience(),
        own="--session-nwb" if config["allen"]["session_nwb"] else "",
    shell:
        """
        ended=0
        {params.python} {input.script:q} {wildcards.session} --folder {params.folder:q} \
            --listed {output.listed:q} {params.own} {params.warehouse} {params.patience} \
            >{log:q} 2>&1 || ended=$?
        [ $ended -lt 128 ] || exit $ended # it was interrupted
        if [ $ended -gt 0 ]; then
            note="AllenSDK cannot be run; see {log} and the log of prepare_allensdk."
            printf '%s\\t' probe name has_lfp file link >{output.listed:q}
            printf 'note\\n\\t\\t\\t\\t\\t%s\\n' "$note" >>{output.listed:q}
        fi
        """


rule list_allen_sessions:
    """Write a table of those of Allen's sessions that allen.select describes."""
    input:
        environment=ancient(
            [] if config["allen"]["mirror"] else "<results>/allensdk.json"
        ),
        script=script("list_allen_sessions"),
    output:
        sessions="<results>/allen_sessions.tsv",
    log:
        "<logs>/list_allen_sessions.log",
    benchmark:
        "<benchmarks>/list_allen_sessions.tsv"
    localrule: True
    resources:
        mem_mb=1000,
        downloads=1,
    params:
        python="python" if config["allen"]["mirror"] else allensdk("--offline"),
        folder=lambda wildcards: f"{config['cache']}/allen",
        mirror=lambda wildcards: config["allen"]["mirror"] or "",
        select=selection(),
        warehouse=warehouse(),
        patience=patience(),
    shell:
        """
        {params.python} {input.script:q} --folder {params.folder:q} \
            --mirror={params.mirror:q} {params.select} --sessions {output.sessions:q} \
            {params.warehouse} {params.patience} 2>&1 | tee {log:q}
        """


rule fetch_session:
    """Fetch Allen's own file of a session, which holds its stimuli, where that is asked for."""
    input:
        listed=ancient("<results>/{session}/allen.tsv"),
        script=ancient(script("fetch_session")),
    output:
        source="<results>/{session}/source.json",
    log:
        "<logs>/fetch_session/{session}.log",
    benchmark:
        "<benchmarks>/fetch_session/{session}.tsv"
    resources:
        mem_mb=1000,
        runtime="4h",
        downloads=1,
    params:
        folder=lambda wildcards: f"{config['cache']}/allen",
        patience=patience(),
    shell:
        """
        python {input.script:q} {wildcards.session} --folder {params.folder:q} \
            --listed {input.listed:q} --checked {output.source:q} {params.patience} \
            >{log:q} 2>&1
        """
