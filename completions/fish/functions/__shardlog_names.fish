function __shardlog_names -a kind -d 'The names of one kind in the stream on the line: shard, open_shard, consumer, producer'
    set -l pattern
    switch $kind
        case shard
            set pattern '"shard":"shardId-([0-9]+)","first_hash_key"'
        case open_shard
            set pattern '"shard":"shardId-([0-9]+)",(?:"[a-z_]*_hash_key":"[0-9]*",)*"open":true'
        case '*'
            set pattern '"'$kind'":"([^"\\\\\\\\]+)"'
    end
    # The stream is only read. If that takes longer than a person waits after a key press, there are no names.
    for word in (commandline -opc; commandline -co)
        set word (string replace -r '^~/' "$HOME/" -- $word)
        contains -- $word split merge scale; and continue
        test -e $word/stream.db -o -e "$STREAM_DIR/$word/stream.db"; or continue
        timeout 0.1 stream-stats --json -- $word 2>/dev/null </dev/null \
            | string match -r -a -g -- $pattern | string replace -r '^0+(?=[0-9])' ''
        return
    end
end
